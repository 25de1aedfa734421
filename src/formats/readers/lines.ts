/** Numbers with units as logs write them, and what the readers of line-shaped logs share. */
import type { Place } from '../../errors.js';
import type { QemuVersion } from '../../migration/rules/versions.js';
import {
  emptySample,
  type FoundSamples,
  type LoggedLimit,
  type LogSample,
  type LogSettings,
} from '../migration-log.js';
import { stampMs } from '../text.js';

const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  bytes: 1,
  k: 2 ** 10,
  kb: 2 ** 10,
  kbytes: 2 ** 10,
  kib: 2 ** 10,
  mb: 2 ** 20,
  mib: 2 ** 20,
  gb: 2 ** 30,
  gib: 2 ** 30,
  tb: 2 ** 40,
  tib: 2 ** 40,
  pib: 2 ** 50,
};

/** `4.713 GiB` in bytes. QEMU, libvirt, Proxmox and vdsm all mean powers of 1024, whatever they print. */
export function sizeOf(number: string | undefined, unit = 'B'): number | null {
  const factor = FACTORS[unit.toLowerCase()];
  const value = numberOf(number);
  return value === null || factor === undefined ? null : Math.round(value * factor);
}

/** Also with a comma for the point, and with commas between thousands. null: no number. */
export function numberOf(text: string | undefined): number | null {
  if (text === undefined || text.trim() === '') return null;
  const plain = /^\d{1,3}(,\d{3})+$/.test(text) ? text.replaceAll(',', '') : text.replace(',', '.');
  const value = Number(plain);
  return Number.isFinite(value) ? value : null;
}

/** Counters that ran below 0 stand near 2^64 (QEMU up to 2.x): they are 0. */
export function withoutUnderflow(bytes: number | null): number | null {
  return bytes !== null && bytes > 2 ** 63 ? 0 : bytes;
}

export type Fields = Partial<Omit<LogSample, 'place' | 'index'>>;

/** Collects samples, settings and notes while a log is read from its first line to its last. */
export class Collector {
  readonly samples: LogSample[] = [];
  readonly #file: string;
  readonly #notes = new Set<string>();
  readonly #capabilities = new Set<string>();
  #maxBandwidth: number | undefined;
  readonly #limits: LoggedLimit[] = [];
  #qemu: QemuVersion | undefined;
  #skipped = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** `line` counts from 1. */
  add(line: number, fields: Fields): void {
    const place: Place = { file: this.#file, line };
    this.samples.push({ ...emptySample(place, this.samples.length), ...fields });
  }

  /** Merges into the last sample; a new one where there is none. */
  amend(line: number, fields: Fields): void {
    const last = this.samples.pop();
    if (last === undefined) this.add(line, fields);
    else this.samples.push({ ...last, ...fields });
  }

  skip(): void {
    this.#skipped += 1;
  }

  note(text: string): void {
    this.#notes.add(text);
  }

  setMaxBandwidth(bytesPerSecond: number | null): void {
    if (bytesPerSecond !== null && bytesPerSecond >= 0) this.#maxBandwidth = bytesPerSecond;
  }

  setDowntimeLimit(ms: number | null, guest = ''): void {
    if (ms !== null && ms >= 0) this.#limits.push({ ms, guest, before: this.samples.length });
  }

  setQemu(version: QemuVersion): void {
    this.#qemu = version;
  }

  setCapability(name: string): void {
    this.#capabilities.add(name);
  }

  found(): FoundSamples {
    const settings: LogSettings = {
      ...(this.#maxBandwidth === undefined ? {} : { maxBandwidth: this.#maxBandwidth }),
      ...(this.#qemu === undefined ? {} : { qemu: this.#qemu }),
      ...(this.#capabilities.size === 0 ? {} : { capabilities: [...this.#capabilities] }),
    };
    return {
      samples: this.samples,
      settings,
      limits: this.#limits,
      notes: [...this.#notes],
      skipped: this.#skipped,
    };
  }
}

/** Time since the first stamped line of the guest's migration, us; null where lines have no stamp. */
export class Clock {
  #startMs: number | null = null;

  restart(): void {
    this.#startMs = null;
  }

  /** us since the first line with a stamp. */
  read(line: string): number | null {
    const ms = stampMs(line);
    if (ms === null) return null;
    this.#startMs ??= ms;
    return (ms - this.#startMs) * 1000;
  }
}
