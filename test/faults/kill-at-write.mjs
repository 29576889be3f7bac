// Preloaded into a process (`--import`): kills it with SIGKILL at its n-th change of something outside of it, where n is
// KILL_AT: a write (before it, and with half of it done), a rename, link, sync, removal, folder, a program that is
// started (before it, and while it runs), something sent (before it, and once it is on its way).
import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

const at = Number(process.env.KILL_AT);
const within = process.env.KILL_WITHIN ?? '';
const die = () => process.kill(process.pid, 'SIGKILL');
let count = 0;

/** True at the instant to die at. */
const isNow = () => {
  count += 1;
  return count === at;
};

/** Only what is changed below the folder of the test counts, not what the program does with files of its own. */
const counts = (file) =>
  within === '' || typeof file !== 'string' || file.startsWith(within) || !file.startsWith('/');

const half = (data) =>
  typeof data === 'string' || Buffer.isBuffer(data) ? data.slice(0, data.length >> 1) : data;
const { appendFile, writeFile } = fs.promises;
const whole = [
  'rename',
  'link',
  'symlink',
  'rm',
  'unlink',
  'mkdir',
  'mkdtemp',
  'truncate',
  'chmod',
  'chown',
  'utimes',
];

for (const name of whole) {
  const real = fs.promises[name];
  fs.promises[name] = (file, ...rest) => {
    // A heartbeat comes when it comes.
    if (name !== 'utimes' && counts(file) && isNow()) die();
    return real.call(fs.promises, file, ...rest);
  };
}
for (const [name, real] of Object.entries({ appendFile, writeFile }))
  fs.promises[name] = async (file, data, options) => {
    if (counts(file) && isNow()) die();
    if (counts(file) && isNow()) {
      await real(file, half(data), options);
      die();
    }
    return real(file, data, options);
  };
const realOpen = fs.promises.open;
fs.promises.open = async (file, flags, ...rest) => {
  const isWriting = typeof flags === 'string' && flags !== 'r';
  if (isWriting && counts(file) && isNow()) die();
  const handle = await realOpen(file, flags, ...rest);
  if (!isWriting || !counts(file)) return handle;
  const { writeFile: writeAll, sync } = handle;
  handle.writeFile = async (data, ...more) => {
    if (isNow()) {
      await writeAll.call(handle, half(data), ...more);
      die();
    }
    return writeAll.call(handle, data, ...more);
  };
  handle.sync = async () => {
    if (isNow()) die();
    return sync.call(handle);
  };
  return handle;
};
for (const name of ['writeFileSync', 'appendFileSync', 'mkdirSync', 'renameSync', 'rmSync']) {
  const real = fs[name];
  fs[name] = (file, ...rest) => {
    if (counts(file) && isNow()) die();
    return real.call(fs, file, ...rest);
  };
}
const realSpawn = childProcess.spawn;
childProcess.spawn = (...given) => {
  if (isNow()) die();
  const child = realSpawn(...given);
  if (isNow()) child.once('spawn', die);
  return child;
};
/** What goes out over the network; half of the requests are answered, to nobody. */
const realWrite = net.Socket.prototype.write;
net.Socket.prototype.write = function (...given) {
  if (this.remoteAddress === undefined && !this.connecting) return realWrite.apply(this, given);
  if (isNow()) die();
  const isFlushed = realWrite.apply(this, given);
  if (isNow()) die();
  return isFlushed;
};
syncBuiltinESMExports();
