/**
 * A feedback throttle: a proportional and an integral term on how far the dirty rate is from the wanted share of the
 * bandwidth. The loop that the first throttles of 2011 only sketched, with the care that control engineers take of it:
 * a bounded error, and an integral that stops where the actuator does.
 */
import { nth } from '../lists.js';
import { PAGE_BYTES } from '../guest/spec.js';
import type { Controls } from '../migration/controls.js';
import { formatBytesPerSecond } from '../units.js';
import { defineStrategy } from './define.js';
import { everyRingWindow } from './kit/ring-window.js';
import { throttleTriggerThreshold, withTriggerThreshold } from './kit/trigger.js';

const { max, min, round } = Math;

const THROTTLE_MAX = 0.99;
/** Weight of a new rate in the average by which vCPUs share the throttle: at 99 % one runs in every other window only. */
const RATE_WEIGHT = 0.3;
/** Beyond this the error means only "far too fast". Without a bound its first value alone would hit the end stop. */
const ERROR_MAX = 2;

export interface PiGains {
  /** Change of the throttle (a share, 0..1) per unit of error, and per unit of error and second. */
  readonly proportional: number;
  readonly integral: number;
}

export interface PiState {
  /** 0..0.99. */
  readonly throttle: number;
  readonly error: number;
}

/** (D − ρB)/B: 0 when the guest dirties the wanted share of the bandwidth. */
export function rateError(dirtyRate: number, bandwidth: number, wantedShare: number): number {
  return min(ERROR_MAX, (dirtyRate - wantedShare * bandwidth) / bandwidth);
}

/**
 * One step of the controller in its incremental form. What the clamp cuts off is not remembered: that is the anti-windup,
 * and lets the throttle leave its end stop in the very step in which the error changes sign.
 */
export function piStep({ throttle, error }: PiState, now: number, gains: PiGains, seconds: number): PiState {
  const change = gains.proportional * (now - error) + gains.integral * now * seconds;
  return { throttle: max(0, min(THROTTLE_MAX, throttle + change)), error: now };
}

/**
 * The throttle of each vCPU: in proportion to what it would dirty at full speed, the one that dirties most bears `throttle`
 * itself. One that only reads bears nothing.
 */
export function sharedOut(throttle: number, rates: readonly number[]): number[] {
  const most = rates.reduce((a, b) => max(a, b), 0);
  return rates.map((rate) => (most > 0 ? min(THROTTLE_MAX, (throttle * rate) / most) : 0));
}

function startControl(
  migration: Controls,
  mode: 'global' | 'per-vcpu',
  wantedShare: number,
  gains: PiGains,
  periodMs: number,
): void {
  let state: PiState = { throttle: 0, error: 0 };
  let throttles = Array.from({ length: migration.vcpuCount }, () => 0);
  let atFullSpeed: readonly number[] = [];
  everyRingWindow(migration, periodMs, ({ entries, elapsedMs }) => {
    const { bandwidthBytesPerSecond } = migration.stats();
    if (bandwidthBytesPerSecond === 0) return;
    const rates = entries.map((pages) => (pages * PAGE_BYTES * 1000) / elapsedMs);
    const dirtyRate = rates.reduce((a, b) => a + b, 0);
    state = piStep(
      state,
      rateError(dirtyRate, bandwidthBytesPerSecond, wantedShare),
      gains,
      elapsedMs / 1000,
    );
    atFullSpeed = rates.map((rate, vcpu) => {
      const now = rate / (1 - nth(throttles, vcpu));
      const before = atFullSpeed[vcpu] ?? now;
      return before + RATE_WEIGHT * (now - before);
    });
    const wanted =
      mode === 'global' ? throttles.map(() => state.throttle) : sharedOut(state.throttle, atFullSpeed);
    const next = wanted.map((share) => round(100 * share) / 100);
    if (next.every((share, vcpu) => share === throttles[vcpu])) return;
    const percents = next.map((share) => round(100 * share));
    const shown = mode === 'global' ? `${nth(percents, 0)} %` : percents.map((p) => `${p} %`).join(', ');
    migration.explain(
      'pi-throttle',
      `${formatBytesPerSecond(dirtyRate)} dirtied, ${formatBytesPerSecond(bandwidthBytesPerSecond)} sent: throttle ${shown}`,
    );
    if (mode === 'global') migration.throttle('all', nth(percents, 0));
    else {
      percents.forEach((p, vcpu) => {
        if (next[vcpu] !== throttles[vcpu]) migration.throttle([vcpu], p);
      });
    }
    throttles = next;
  });
}

export const piThrottle = defineStrategy({
  name: 'pi-throttle',
  summary: 'a PI controller holds the dirty rate at a share of the bandwidth',
  source:
    'the textbook controller (Åström and Hägglund, PID Controllers, 1995, 3.5); no published throttle for KVM is known',
  rule: `Once a period, the error e = (D − ρB)/B is measured: D from what all vCPUs pushed into their dirty rings, B the
bandwidth of the last window, ρ the rate option. The throttle p changes by Kp·(e − e before) + Ki·e·Δt and stays
between 0 and 99 %. What the bound cuts off is forgotten, so that the integral cannot wind up; e counts no more
than 2.

In mode global all vCPUs bear p. In mode per-vcpu the vCPU that would dirty most at full speed bears p, every other
one in proportion to its own rate, and one that only reads nothing.

The throttle eases as soon as the guest does. It aims at a rate, not at an end: what remains then shrinks by the
factor ρ a pass.

With a guest that writes G times the bandwidth the loop is stable while G·(2·Kp + Ki·Δt) < 2, which the defaults keep up
to G = 30.`,
  options: {
    mode: {
      kind: 'choice',
      choices: ['global', 'per-vcpu'],
      default: 'per-vcpu',
      summary: 'throttle all vCPUs alike (global), or each by what it dirties (per-vcpu)',
    },
    rate: {
      kind: 'percent',
      min: 1,
      max: 100,
      default: 70,
      summary: 'dirty rate that the guest is held to, as a share of the bandwidth',
    },
    proportional: {
      kind: 'percent',
      default: 2,
      summary: 'Kp: points of throttle for a change of the error by 1',
    },
    integral: { kind: 'percent', default: 5, summary: 'Ki: points of throttle per second for an error of 1' },
    period: {
      kind: 'duration-ms',
      min: 10,
      max: 10_000,
      default: '500ms',
      summary: 'time between two steps',
    },
    when: {
      kind: 'choice',
      choices: ['trigger', 'start'],
      default: 'trigger',
      summary: 'begin when the detector first acts (trigger) or when the migration starts (start)',
    },
    'throttle-trigger-threshold': throttleTriggerThreshold,
  },
  refuses(_options, setup) {
    if (setup.guest.dirtyRingSize > 0) return null;
    return 'pi-throttle measures each vCPU by its dirty ring; set guest.dirty-ring-size, such as 4096';
  },
  prepare(options, setup) {
    return withTriggerThreshold(setup, options['throttle-trigger-threshold']);
  },
  start(options, migration) {
    const gains = { proportional: options.proportional / 100, integral: options.integral / 100 };
    let begun = false;
    const begin = (): void => {
      if (begun) return;
      begun = true;
      startControl(migration, options.mode, options.rate / 100, gains, options.period);
    };
    if (options.when === 'start') begin();
    else migration.onDetector(begin);
  },
});
