/** The engine's whole input, in plain numbers: what a scenario, a recording or a test hands to `runMigration`. */
import type { GuestSpec, HostProfile } from '../guest/spec.js';
import type { QemuVersion } from './rules/versions.js';
import type { ScheduledAction } from './runtime-parameters.js';

/** From `atUs` on the link has this bandwidth and latency (a step, a drop, competing traffic). */
export interface LinkPhase {
  readonly atUs: number;
  readonly bandwidthBytesPerSecond: number;
  readonly latencyUs: number;
}

/** The network between source and destination. */
export interface LinkSpec {
  /** Payload bytes a second that the link carries: what remains after TCP/IP and Ethernet overhead. */
  readonly bandwidthBytesPerSecond: number;
  /** One way, µs. */
  readonly latencyUs: number;
  readonly phases: readonly LinkPhase[];
  /** How much the bandwidth varies from one iteration (about 50 ms) to the next: standard deviation as a share, 0..1. */
  readonly jitter?: number;
  /** Times at which the network is down: a pre-copy migration fails, post-copy pauses. In order, disjoint. */
  readonly outages?: readonly { readonly atUs: number; readonly durationUs: number }[];
}

/** What a page costs on the wire: one choice a run. Absent: the plain single-channel stream. */
export interface StreamSpec {
  readonly kind: 'plain' | 'multifd' | 'xbzrle';
  /** multifd: channels, 1..255. */
  readonly channels: number;
  readonly compression: string;
  /** multifd compression: bytes in per byte out of the content of the table (`ratioFor`), and uncompressed bytes/s of one channel, sending included; 0: no limit of its own. */
  readonly compressionRatio: number;
  readonly compressionBytesPerSecond: number;
  /** Of a channel's time so much is CPU time, 0..1. Absent: all. */
  readonly compressionCpuShare?: number;
  /** Uncompressed bytes that the destination takes in per second of CPU time, receiving included. Absent or 0: as it receives. */
  readonly decompressionBytesPerSecond?: number;
  /** What looks for zero pages: nothing, the migration thread, or the multifd channels. */
  readonly zeroPageDetection: 'none' | 'legacy' | 'multifd';
  /** XBZRLE: cache size in bytes (a power of two), encoded bytes of a rewritten page, share of pages whose delta overflows. */
  readonly xbzrleCacheBytes: number;
  readonly xbzrleEncodedBytes: number;
  readonly xbzrleOverflowShare: number;
  readonly xbzrleBytesPerSecond: number;
  /** bytes/s on the wire of one channel with TLS, sending included; 0 = no TLS. */
  readonly tlsBytesPerSecond: number;
}

/** QEMU's migration parameters and capabilities under their own names, in their own units. */
export interface MigrationParameters {
  readonly qemu: QemuVersion;
  /** The version of the machine type, where it is older than the binary: some facts go with it. Absent: as `qemu`. */
  readonly machine?: QemuVersion;
  /** bytes/s; 0 = unlimited. */
  readonly maxBandwidth: number;
  /** ms. */
  readonly downtimeLimitMs: number;
  /** bytes/s; 0 = use the estimate. Since 8.2. */
  readonly availSwitchoverBandwidth: number;
  /** Percent. */
  readonly throttleTriggerThreshold: number;
  readonly returnPath: boolean;
  readonly pauseBeforeSwitchover: boolean;
  /** How long the user (libvirt) takes to answer with `migrate-continue`, µs. */
  readonly migrateContinueDelayUs: number;
  /** Not before this instant, µs since `migrate`; Infinity: never. Absent: 0. */
  readonly migrateContinueAtUs?: number;
  /** How long the orchestrator takes after QEMU completed until the destination runs (libvirt's `cont`), µs; 0: QEMU starts it itself. */
  readonly orchestratorContUs: number;
  /** KVM manual dirty-log protect, on with every current kernel. Off: a sync re-arms all that it reports. */
  readonly manualDirtyLogProtect: boolean;
  /** log2 of the pages of one clear chunk (`x-clear-bitmap-shift`), default 18 = 1 GiB. */
  readonly clearBitmapShift: number;
  /** Cancelled by the orchestrator when it has not completed after this time, µs; 0 = never. */
  readonly giveUpAfterUs: number;
  /** It is only the default: a policy that ends the migration by itself lifts it. */
  readonly giveUpByDefault?: boolean;
  /** So long before `migrate` the strategy starts (commands given by hand), µs; its dirty limits log from then on. */
  readonly settleUs?: number;
  /** Capability `postcopy-ram`; and `postcopy-preempt`: requested pages go over a channel of their own. */
  readonly postcopy?: boolean;
  readonly postcopyPreempt?: boolean;
  /** bytes/s of the background push in post-copy; 0 = unlimited. */
  readonly maxPostcopyBandwidth?: number;
  /** After a network failure in post-copy the migration is recovered; false: the guest is lost. */
  readonly postcopyRecover?: boolean;
  readonly stream?: StreamSpec;
  /** What the user does to the migration while it runs. */
  readonly schedule?: readonly ScheduledAction[];
}

/** The whole input of one simulated migration, in plain numbers. */
export interface MigrationSetup {
  readonly name: string;
  readonly guest: GuestSpec;
  readonly host: HostProfile;
  readonly link: LinkSpec;
  /** What sending costs from one 5 s to the next, as factors of the host's costs, again from the first after the last. Absent: always 1. */
  readonly sendDrift?: readonly number[];
  readonly migration: MigrationParameters;
  readonly memory: 'page' | 'fluid';
  /** Unsigned 32-bit. */
  readonly seed: number;
  /** Which repetition: changes every random stream. */
  readonly run: number;
  /** Period of `timeline` samples, ms; 0 = no timeline. */
  readonly timelineMs: number;
  /** false: `syncs` stays empty (sweeps that only want scalars). */
  readonly keepSyncs: boolean;
  /** `decisions` also has what QEMU's own rules decided, at every sync and at the switchover. Absent: false. */
  readonly trace?: boolean;
}
