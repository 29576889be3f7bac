/** Run as a process of its own: appends records FROM to TO, one at a time, to FILE. */
import { FileStore } from '../../src/baseline/file-store.ts';
import { recordOf } from './records.ts';

const [file = '', from = '0', to = '0'] = process.argv.slice(2);
const store = new FileStore(file, { keep: 1_000, keepDays: 36_500 });
for (let number = Number(from); number < Number(to); number += 1) await store.append([recordOf(number)]);
