import type { TestEvent } from 'node:test/reporters';

/** A reporter that writes the files whose tests failed, one a line, and nothing else. */
async function* failedFiles(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files = new Set<string>();
  for await (const { type, data } of events)
    if (type === 'test:fail' && data.file !== undefined) files.add(data.file);
  for (const file of files) yield `${file}\n`;
}

// biome-ignore lint/style/noDefaultExport: it is what the test runner loads
export { failedFiles as default };
