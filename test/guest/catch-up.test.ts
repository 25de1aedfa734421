/**
 * Loads whose work waits for them. With b the share of its time that a vCPU needs and 1 - f the share of time that it is left,
 * it does min(1, (1 - f) / b) of its work in the steady state: what it is left, at 1/b of its pace, but no more than there is.
 */
import { describe, expect, test } from '@jest/globals';
import { FluidMemory } from '../../src/guest/memory/fluid/fluid-memory.js';
import { Guest } from '../../src/guest/guest.js';
import { PageMemory } from '../../src/guest/memory/page/page-memory.js';
import type { GuestSpec, VcpuSpec } from '../../src/guest/spec.js';
import { MIB, freeHost, writer } from '../migration/setups.js';

const RING = 1024;
/** Entries that fill it. */
const FULL = 960;
/** At a write a ms a ring is full after 0.96 s. */
const PAGES_PER_SECOND = 1000;
const SECONDS = 400;

type Kind = 'page' | 'fluid';
const KINDS: readonly Kind[] = ['page', 'fluid'];

function guestWith(kind: Kind, vcpu: Partial<VcpuSpec>, ring = false): Guest {
  const load = writer({ pages: 64 * MIB, writesPerSecond: PAGES_PER_SECOND, pattern: 'sequential' });
  const spec: GuestSpec = {
    ramPages: 64 * MIB,
    hiddenPages: 0,
    zeroExtents: [],
    dirtyRingSize: ring ? RING : 0,
    hostPagePages: 1,
    vcpus: [{ ...load, ...vcpu }],
  };
  const Memory = kind === 'page' ? PageMemory : FluidMemory;
  const memory = new Memory(spec, freeHost, ring ? 'ring' : 'bitmap', 18, 1, 1);
  memory.startLogging();
  return new Guest(spec, freeHost, memory, 0);
}

/** Share of its work that it did from 0 to `seconds`, looked at every so often. */
function workDone(guest: Guest, stepUs: number, seconds = SECONDS): number {
  for (let us = stepUs; us < seconds * 1e6; us += stepUs) guest.advance(us);
  guest.advance(seconds * 1e6);
  return guest.vcpus[0]!.writes / (seconds * PAGES_PER_SECOND);
}

describe.each(KINDS)('in the %s memory', (kind) => {
  const throttles: [number, number][] = [
    [0.2, 50],
    [0.2, 80],
    [0.2, 90],
    [0.5, 30],
    [0.5, 50],
    [0.5, 60],
    [0.5, 99],
    [0.9, 20],
  ];
  test.each(throttles)(
    'a load that needs %d of its time does its share under a throttle of %d %%',
    (busy, percent) => {
      // However long the steps are in which somebody looks: shorter than a slice, or many slices.
      for (const stepUs of [3_700, 1_000_000]) {
        const guest = guestWith(kind, { busy, catchesUp: true });
        guest.throttleAll(percent, 0);
        const left = 1 - percent / 100;
        expect(workDone(guest, stepUs, 40)).toBeCloseTo(Math.min(1, left / busy), 1.5);
      }
    },
  );

  test('without it, the same throttle takes its share from every load', () => {
    const guest = guestWith(kind, { busy: 0.2 });
    guest.throttleAll(50, 0);
    expect(workDone(guest, 1_000_000)).toBeCloseTo(0.5, 2);
  });

  test('a load that needs all its time has nothing to catch up with', () => {
    const guest = guestWith(kind, { busy: 1, catchesUp: true });
    guest.throttleAll(50, 0);
    expect(workDone(guest, 1_000_000)).toBeCloseTo(0.5, 2);
  });

  const sleeps: [number, number][] = [
    // busy, sleep as a share of the 0.96 s in which a ring fills at its own pace
    [0.4, 0.3],
    [0.4, 0.55],
    [0.4, 0.9],
    [0.8, 0.5],
  ];
  test.each(sleeps)('needing %d of its time it makes up for sleeps of %d fills', (busy, sleep) => {
    const guest = guestWith(kind, { busy, catchesUp: true }, true);
    guest.setLimited(true);
    guest.vcpus[0]!.ringSleepUs = (sleep * FULL * 1e6) / PAGES_PER_SECOND;
    // Behind, it fills a ring in b of the time that this takes at its own pace, then sleeps: 1 fill in b + sleep.
    expect(workDone(guest, 250_000)).toBeCloseTo(Math.min(1, 1 / (busy + sleep)), 1.7);
  });

  test('no more than a second of work waits', () => {
    const guest = guestWith(kind, { busy: 0.1, catchesUp: true }, true);
    guest.setLimited(true);
    guest.vcpus[0]!.ringSleepUs = 5e6;
    // Full after 0.96 s, asleep until 5.96 s.
    guest.advance(5.9e6);
    expect(guest.vcpus[0]!.backlogUs).toBe(1e6);
    expect(guest.vcpus[0]!.writes).toBeCloseTo(FULL, -1);
  });
});
