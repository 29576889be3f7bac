#!/usr/bin/env node
import { startSpareGenerator } from '../generator/spare-generator.ts';
import { guardProcess } from '../host/process-guard.ts';

/** `tailgate` on a command line: the same gate without GitHub. */
guardProcess();
const words = process.argv.slice(2);
// It loads beside all that the command itself needs.
if (words[0] === 'run' && !words.includes('--help')) startSpareGenerator();
const { commandLine } = await import('../run/command-line.ts');
process.exitCode = await commandLine(words);
