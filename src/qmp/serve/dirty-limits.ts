/** set-vcpu-dirty-limit, cancel-vcpu-dirty-limit and query-vcpu-dirty-limit (system/dirtylimit.c). */
import { refused } from './errors.js';
import type { JsonValue } from './json/parser.js';
import type { OutgoingRun } from './migration-run.js';

const { floor, max, min } = Math;

/** What the limits need to know of their machine. */
interface Owner {
  readonly vcpuCount: number;
  readonly hasRing: boolean;
  /** The migration under way; null: none. */
  running(): OutgoingRun | null;
  /** vcpu-dirty-limit, MiB/s. */
  capabilityQuota(): number;
  /** MiB/s by vCPU of the guest that is not migrated, after so much time under the limits, µs. */
  settledRates(settleUs: number): readonly number[];
}

/** Limits settle before a migration for as long as they have been in force, at most this, µs. */
const LONGEST_SETTLE_US = 30e6;
/** The statistics thread measures once a second. */
const PERIOD_US = 1e6;

export class DirtyLimits {
  readonly #owner: Owner;
  readonly #quotas = new Map<number, number>();
  #sinceUs = 0;
  /** Rates under the limits after so much of their time; -1: they have changed since. */
  #settledUs = -1;
  #settledRates: readonly number[] = [];

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  /** Set by hand: MiB/s by vCPU. */
  get quotas(): ReadonlyMap<number, number> {
    return this.#quotas;
  }

  inForceUs(nowUs: number): number {
    return this.#quotas.size === 0 ? 0 : min(max(0, nowUs - this.#sinceUs), LONGEST_SETTLE_US);
  }

  /** `vcpu` undefined: all; MiB/s, and 0 lifts the limit. */
  set(vcpu: number | undefined, mibPerSecond: number, nowUs: number): void {
    if (!this.#owner.hasRing)
      throw refused("dirty page limit feature requires KVM with accelerator property 'dirty-ring-size' set'");
    const vcpus = this.#vcpusOf(vcpu);
    this.#refuseWhileInService('set');
    if (mibPerSecond === 0) return this.#lift(vcpus);
    if (this.#quotas.size === 0) this.#sinceUs = nowUs;
    for (const each of vcpus) this.#quotas.set(each, mibPerSecond);
    this.#settledUs = -1;
    this.#owner.running()?.byHand.set(vcpus, mibPerSecond);
  }

  cancel(vcpu: number | undefined): void {
    if (!this.#owner.hasRing) return;
    const vcpus = this.#vcpusOf(vcpu);
    this.#refuseWhileInService('cancel');
    this.#lift(vcpus);
  }

  /** DirtyLimitInfo of each limited vCPU. */
  query(nowUs: number): JsonValue[] {
    const run = this.#owner.running();
    const limiter = run?.byCapability() ?? null;
    const quota = this.#owner.capabilityQuota();
    const limits =
      limiter === null
        ? [...this.#quotas].sort(([a], [b]) => a - b)
        : this.#vcpusOf(undefined).map((vcpu) => [vcpu, quota] as const);
    if (limits.length === 0) return [];
    const rates = (limiter ?? run?.byHand)?.rates ?? this.#ratesAfter(this.inForceUs(nowUs));
    return limits.map(([vcpu, limit]) => ({
      'cpu-index': vcpu,
      'limit-rate': limit,
      'current-rate': rates[vcpu] ?? 0,
    }));
  }

  #ratesAfter(inForceUs: number): readonly number[] {
    const settleUs = floor(inForceUs / PERIOD_US) * PERIOD_US;
    if (settleUs === 0) return [];
    if (settleUs !== this.#settledUs) this.#settledRates = this.#owner.settledRates(settleUs);
    this.#settledUs = settleUs;
    return this.#settledRates;
  }

  /** dirtylimit_is_allowed: what the capability limits is its own. */
  #refuseWhileInService(verb: string): void {
    if (this.#owner.running()?.byCapability() != null)
      throw refused(`can't ${verb} dirty page rate limit while migration is running`);
  }

  #lift(vcpus: readonly number[]): void {
    for (const vcpu of vcpus) this.#quotas.delete(vcpu);
    this.#settledUs = -1;
    this.#owner.running()?.byHand.cancel(vcpus);
  }

  #vcpusOf(vcpu: number | undefined): number[] {
    const { vcpuCount } = this.#owner;
    if (vcpu === undefined) return Array.from({ length: vcpuCount }, (_, index) => index);
    if (vcpu < 0 || vcpu >= vcpuCount) throw refused('incorrect cpu index specified');
    return [vcpu];
  }
}
