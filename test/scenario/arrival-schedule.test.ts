import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type Arrival,
  arrivals,
  drivenBy,
  maxUsersOf,
  PhaseError,
  phaseDurationMs,
  plannedArrivals,
  plannedMs,
  readPhases,
} from '../../src/scenario/arrival-schedule.ts';

const instants = (specs: unknown[], seed = 1): number[] =>
  [...arrivals(readPhases(specs), seed)].map(({ atMs }) => atMs);

describe('phases', () => {
  test('an arrival rate spaces users evenly from the start of the phase', () => {
    assert.deepEqual(instants([{ duration: 1, arrivalRate: 4 }]), [0, 250, 500, 750]);
  });

  test('a fractional arrival rate works', () => {
    assert.deepEqual(instants([{ duration: 10, arrivalRate: 0.3 }]).map(Math.round), [0, 3333, 6667]);
  });

  test('a rate that yields less than one user still starts one', () => {
    assert.deepEqual(instants([{ duration: 2, arrivalRate: 0.3 }]), [0]);
  });

  test('an arrival count is spread over the duration', () => {
    assert.deepEqual(instants([{ duration: '2s', arrivalCount: 4 }]), [0, 500, 1_000, 1_500]);
  });

  test('a pause moves what follows, and durations may have units', () => {
    const specs = [{ pause: '500ms' }, { duration: '1s', arrivalCount: 1 }, { pause: 2 }];
    assert.deepEqual(instants(specs), [500]);
    assert.equal(plannedMs(readPhases(specs)), 3_500);
  });

  test('fractions of a second are seconds, where Artillery gives up', () => {
    assert.equal(phaseDurationMs(0.5), 500);
    assert.equal(phaseDurationMs('1.5'), 1_500);
    assert.ok(Number.isNaN(phaseDurationMs('soon')));
  });

  test('numbers may be text, as they come from the environment', () => {
    assert.equal(instants([{ duration: '1', arrivalRate: '20' }]).length, 20);
  });

  test('a ramp follows the integral of its rate', () => {
    const [phase] = readPhases([{ duration: 20, arrivalRate: 1, rampTo: 10 }]);
    const times = instants([{ duration: 20, arrivalRate: 1, rampTo: 10 }]);
    assert.equal(times.length, 110);
    assert.equal(plannedArrivals(phase!), 110);
    for (const [k, atMs] of times.entries()) {
      const t = atMs / 1_000;
      assert.ok(Math.abs(t + (9 / 40) * t * t - k) < 1e-6, `arrival ${k} at ${t}`);
    }
  });

  test('a ramp down to zero ends with its last user inside the phase', () => {
    const times = instants([{ duration: 10, arrivalRate: 10, rampTo: 0 }]);
    assert.equal(times.length, 50);
    assert.ok(times.every((atMs) => atMs <= 10_000));
  });

  for (const [what, spec, key] of [
    ['no duration', { arrivalRate: 1 }, null],
    ['a duration that is no time', { arrivalRate: 1, duration: 'soon' }, 'duration'],
    ['nothing to do', { duration: 1 }, null],
    ['a rate that is no number', { duration: 1, arrivalRate: 'many' }, 'arrivalRate'],
    ['a ramp from nothing', { duration: 1, rampTo: 3 }, null],
    ['an unknown mode', { duration: 1, arrivalRate: 1, mode: 'bursts' }, 'mode'],
  ] as const)
    test(`${what} is an error that names the phase and the setting`, () => {
      assert.throws(
        () => readPhases([{ pause: 1 }, spec]),
        (error: unknown) => error instanceof PhaseError && error.phase === 1 && error.key === key,
      );
    });

  test('random arrivals repeat with the seed, differ without, and have the mean rate', () => {
    const spec = [{ duration: 100, arrivalRate: 20, mode: 'poisson' }];
    assert.deepEqual(instants(spec, 7), instants(spec, 7));
    assert.notDeepEqual(instants(spec, 7), instants(spec, 8));
    // Five standard deviations of a Poisson count with mean 2,000.
    assert.ok(Math.abs(instants(spec, 7).length - 2_000) < 5 * Math.sqrt(2_000));
  });
});

const anyPhase = fc.oneof(
  fc.record({
    duration: fc.integer({ min: 1, max: 30 }),
    arrivalRate: fc.double({ min: 0.1, max: 40, noNaN: true }),
    maxVusers: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
  }),
  fc.record({
    duration: fc.integer({ min: 1, max: 30 }),
    arrivalRate: fc.double({ min: 0, max: 20, noNaN: true }),
    rampTo: fc.double({ min: 0, max: 40, noNaN: true }),
  }),
  fc.record({ duration: fc.integer({ min: 1, max: 10 }), arrivalCount: fc.integer({ min: 0, max: 50 }) }),
  fc.record({ pause: fc.integer({ min: 1, max: 5 }) }),
);

describe('any load', () => {
  test('arrives in order, within its phase, numbered without a gap', () => {
    fc.assert(
      fc.property(fc.array(anyPhase, { minLength: 1, maxLength: 5 }), (specs) => {
        const phases = readPhases(specs);
        const starts: number[] = [];
        let startMs = 0;
        for (const phase of phases) {
          starts.push(startMs);
          startMs += phase.durationMs;
        }
        let lastMs = 0;
        let number = 0;
        for (const arrival of arrivals(phases, 1)) {
          assert.equal(arrival.number, number++);
          assert.ok(arrival.atMs >= lastMs);
          const start = starts[arrival.phase.index]!;
          assert.ok(arrival.atMs >= start && arrival.atMs <= start + arrival.phase.durationMs);
          lastMs = arrival.atMs;
        }
        assert.equal(
          number,
          phases.reduce((total, phase) => total + plannedArrivals(phase), 0),
        );
      }),
      { numRuns: 100 },
    );
  });

  test('divides over processes so that every arrival is driven by exactly one that may start users', () => {
    fc.assert(
      fc.property(
        fc.array(anyPhase, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 7 }),
        (specs, count) => {
          const phases = readPhases(specs);
          const all: Arrival[] = [...arrivals(phases, 1)];
          const shards = Array.from({ length: count }, (_, index) => ({ index, count }));
          for (const arrival of all) {
            const drivers = shards.filter((shard) => drivenBy(arrival, shard));
            assert.equal(drivers.length, 1);
            assert.notEqual(maxUsersOf(arrival.phase, drivers[0]!), 0);
          }
          for (const phase of phases) {
            if (phase.maxUsers === null) continue;
            const parts = shards.map((shard) => maxUsersOf(phase, shard)!);
            assert.equal(
              parts.reduce((total, part) => total + part, 0),
              phase.maxUsers,
            );
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
