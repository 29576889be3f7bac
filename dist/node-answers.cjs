'use strict';
/*
 * How the preloads that are asked about a server are asked, and answer: whoever asks puts a numbered question into a
 * folder, and each thread puts its answer beside it. Works from Node 16 on.
 */
const { readFileSync, renameSync, statSync, unlinkSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const packageManagers =
  /(^|[\\/])(npm|npx|npm-cli\.js|npx-cli\.js|yarn|yarn\.c?js|yarnpkg|pnpm|pnpx|pnpm\.c?js|corepack|corepack\.js)$/;

exports.major = Number(process.versions.node.split('.')[0]);

/** The folder of the questions; null where nobody asks, or in what only starts a server. */
exports.folderOfQuestions = () =>
  packageManagers.test(process.argv[1] || '') ? null : process.env.TAILGATE_NODE_COUNT || null;

/** V8 books a callee from another file, once inlined, on a line of the caller's file. */
exports.stopInlining = () => {
  const { setFlagsFromString } = require('node:v8');
  setFlagsFromString('--no-turbo-inlining');
  if (exports.major >= 20) setFlagsFromString('--no-maglev-inlining');
};

/** From here on functions are compiled as they are for users. */
exports.startInlining = () => {
  const { setFlagsFromString } = require('node:v8');
  setFlagsFromString('--turbo-inlining');
  if (exports.major >= 20) setFlagsFromString('--maglev-inlining');
};

/** Tells whoever asks that a thread, named by `own`, answers in the folder for as long as it runs. */
exports.announce = (folder, own) => {
  const here = join(folder, `here.${own}`);
  writeFileSync(here, '');
  process.on('exit', () => {
    try {
      unlinkSync(here);
    } catch {
      // The folder is gone.
    }
  });
};

/**
 * Looks into the folder each time it is called, and answers a new question as the thread named by `own`, by the action
 * that it names. `connect` is called before the first. Without a question it costs one look at a folder.
 */
exports.answerer = (folder, own, { connect, actions }) => {
  const commandFile = join(folder, 'command');
  let isConnected = false;
  let answered = 0;
  let last = '';
  const newQuestion = () => {
    try {
      const { ino, mtimeMs } = statSync(commandFile);
      if (`${ino}:${mtimeMs}` === last) return null;
      last = `${ino}:${mtimeMs}`;
      const question = JSON.parse(readFileSync(commandFile, 'utf8'));
      return question.number > answered ? question : null;
    } catch {
      return null;
    }
  };
  const answer = async ({ number, action }) => {
    let reply;
    try {
      if (!isConnected) connect();
      isConnected = true;
      reply = await actions[action]();
    } catch (error) {
      reply = { error: String(error?.message ?? error) };
    }
    try {
      const file = join(folder, `${number}.${own}.json`);
      writeFileSync(`${file}.part`, JSON.stringify(reply));
      renameSync(`${file}.part`, file);
    } catch {
      // Whoever asked will miss it and say so.
    }
  };
  return () => {
    const question = newQuestion();
    if (question === null) return;
    answered = question.number;
    void answer(question);
  };
};
