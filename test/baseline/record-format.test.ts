import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capacityHistory, historyOf } from '../../src/baseline/history-name.ts';
import { formatRecord, migrateRecord, parseRecord } from '../../src/baseline/record-format.ts';
import { LatencySketch } from '../../src/metrics/latency-sketch.ts';
import { recordOf, roundOf } from './records.ts';

test('a stored sketch answers as the one that was measured', () => {
  const parsed = parseRecord(formatRecord(recordOf(1, { rounds: [roundOf(7, 5_000)] })));
  assert.ok('record' in parsed);
  const stored = LatencySketch.fromJSON(parsed.record.rounds[0]!.metrics['chat.ack']!);
  const measured = LatencySketch.fromJSON(roundOf(7, 5_000).metrics['chat.ack']!);
  assert.deepEqual(stored.summary(), measured.summary());
});

test('what a search for the capacity found is stored beside the runs of its suite', () => {
  const capacity = { holds: 80, breaks: 84, confirmed: true, messagesPerSecond: 240.5 };
  const parsed = parseRecord(formatRecord(recordOf(1, { suite: capacityHistory('chat'), capacity })));
  assert.ok('record' in parsed);
  assert.deepEqual(parsed.record.capacity, capacity);
  assert.equal(historyOf(parsed.record), capacityHistory('chat'));
  assert.ok(
    'reason' in parseRecord(formatRecord(recordOf(1)).replace('"accepted"', '"capacity":{},"accepted"')),
  );
});

test('what was said by others, slices and samples are not stored', () => {
  const round = roundOf();
  const line = formatRecord(
    recordOf(1, {
      rounds: [
        {
          ...round,
          slices: [round.metrics],
          errors: [{ name: 'refused', count: 2, messages: ['token abc123 is wrong'], steps: ['join'] }],
          warnings: ['the header was abc123'],
          resources: {
            samples: [{ atMs: 0, cpuShare: 1, rssBytes: 1, openFiles: 1, threads: 1 }],
            cpuSeconds: 1,
            maxCpuShare: 1,
            maxRssBytes: 1,
            maxOpenFiles: 1,
            openFilesLimit: null,
            maxThreads: 1,
            maxHeapUsedBytes: null,
            maxLoopDelayMs: null,
            gcPauseMs: null,
          },
        },
      ],
    }),
  );
  const parsed = parseRecord(line);
  assert.ok('record' in parsed);
  const [stored] = parsed.record.rounds;
  assert.deepEqual(stored!.slices, []);
  assert.deepEqual(stored!.errors, [{ name: 'refused', count: 2, messages: [], steps: ['join'] }]);
  assert.deepEqual(stored!.warnings, []);
  assert.equal(stored!.resources!.samples.length, 0);
  assert.equal(stored!.resources!.cpuSeconds, 1);
  assert.doesNotMatch(JSON.stringify(parsed.record), /abc123/);
});

test('a record of an older version is migrated step by step, each time it is read', () => {
  const old = { schemaVersion: 1, suite: 'chat', commit: 'abc' };
  const steps = {
    1: (record: Record<string, unknown>) => ({ ...record, head: record.commit }),
    2: ({ commit: _, ...record }: Record<string, unknown>) => record,
  };
  assert.deepEqual(migrateRecord(old, steps, 3), { schemaVersion: 3, suite: 'chat', head: 'abc' });
  assert.deepEqual(old, { schemaVersion: 1, suite: 'chat', commit: 'abc' });
  assert.throws(() => migrateRecord({ ...old, schemaVersion: 4 }, steps, 3), /written by a newer Tailgate/);
  assert.throws(() => migrateRecord({ ...old, schemaVersion: 0 }, steps, 3), /which nothing can read/);
  assert.throws(() => migrateRecord({ suite: 'chat' }, steps, 3), /no schema version/);
});

test('a record that unpacks without end is damaged', async () => {
  const { gzipSync } = await import('node:zlib');
  const bomb = gzipSync(Buffer.alloc(80 * 1024 * 1024)).toString('base64');
  const parsed = parseRecord(JSON.stringify({ ...recordOf(1), rounds: { gzip: bomb } }));
  assert.ok('reason' in parsed);
  assert.match(parsed.reason, /Cannot create a Buffer larger than/);
});
