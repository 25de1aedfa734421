/**
 * How people name a QEMU version: releases, package versions, machine types, distributions. Each is brought to the nearest
 * version whose rules are known.
 */
import { nth } from '../../lists.js';
import { QEMU_VERSIONS, type QemuVersion } from './versions.js';

const { min, max } = Math;

/**
 * The QEMU that a distribution's release began with, by the distribution's names. It rests on memory and was not compared with
 * the distributions' package lists: a row may be off by a release, and what is written as a version number comes first.
 * RHEL's machine types (pc-q35-rhel9.4.0) and Ubuntu's (pc-q35-jammy) carry these names too.
 */
const DISTRIBUTIONS: readonly {
  readonly name: RegExp;
  readonly releases: Readonly<Record<string, string>>;
}[] = [
  {
    name: /rhel|red ?hat|centos|alma|rocky|oracle/,
    releases: {
      '9.0': '6.2',
      '9.1': '7.0',
      '9.2': '7.2',
      '9.3': '8.0',
      '9.4': '8.2',
      '9.5': '9.0',
      '9.6': '9.1',
      '10.0': '9.1',
    },
  },
  { name: /debian|bookworm|trixie/, releases: { '11': '5.2', '12': '7.2', '13': '10.0' } },
  {
    name: /ubuntu|jammy|noble/,
    releases: { '22.04': '6.2', '24.04': '8.2', '24.10': '9.0', '25.04': '9.2', '25.10': '10.1' },
  },
];
/** Releases that are known by a word. */
const CODE_NAMES: Readonly<Record<string, string>> = {
  jammy: '6.2',
  noble: '8.2',
  bookworm: '7.2',
  trixie: '10.0',
};

/** Releases of a year are .0, .1 and .2; a third number of 50 and more is the tree of the release that follows. */
const RELEASES_A_YEAR = 3;
const DEVELOPMENT = 50;
/** No QEMU has a number above this: such a text is no version. */
const HIGHEST_MAJOR = 30;

export interface NamedVersion {
  /** The version whose rules stand for it. */
  readonly qemu: QemuVersion;
  /** It is named by the very name of that version. */
  readonly isExact: boolean;
}

/** The version that a text names; null when it names none. `10.0` written without quotes is the number 10. */
export function namedVersion(written: unknown): NamedVersion | null {
  const text = typeof written === 'number' ? written.toFixed(1) : written;
  if (typeof text !== 'string') return null;
  const known = QEMU_VERSIONS.find((version) => version === text);
  if (known !== undefined) return { qemu: known, isExact: true };
  const upstream = ofDistribution(text.toLowerCase()) ?? text;
  const numbers = /(?:^|[^\d.])v?(\d{1,2})\.(\d{1,2})(?:\.(\d{1,3}))?(?!\d)/.exec(upstream);
  if (numbers === null) return null;
  const [major, minor, micro] = [Number(numbers[1]), Number(numbers[2]), Number(numbers[3] ?? 0)];
  if (major > HIGHEST_MAJOR) return null;
  return { qemu: nearest(major, minor, micro), isExact: false };
}

/** The upstream version behind a distribution's release; undefined where the text names none. */
function ofDistribution(text: string): string | undefined {
  const word = Object.keys(CODE_NAMES).find((name) => text.includes(name));
  if (word !== undefined) return CODE_NAMES[word];
  for (const { name, releases } of DISTRIBUTIONS) {
    // A package version such as 8.2.0-11.el9 or 1:8.2.2+ds-0ubuntu1 comes before the distribution's own name.
    const at = text.search(name);
    if (at < 0 || /\d+\.\d+/.test(text.slice(0, at))) continue;
    const number = /\d+(?:\.\d+)?/.exec(text.slice(at))?.[0] ?? '';
    const release = releases[number] ?? nearestRelease(releases, number);
    if (release !== undefined) return release;
  }
  return undefined;
}

/** A release between or beyond those listed takes the last one before it, or the first. */
function nearestRelease(releases: Readonly<Record<string, string>>, number: string): string | undefined {
  if (number === '') return undefined;
  const known = Object.keys(releases).sort((a, b) => Number(a) - Number(b));
  const before = known.filter((release) => Number(release) <= Number(number));
  return releases[before.at(-1) ?? known[0] ?? ''];
}

/** All releases from the oldest known to the newest are known, so that the nearest is one of the two ends or the series. */
function nearest(major: number, minor: number, micro: number): QemuVersion {
  const order = (a: number, b: number): number => a * RELEASES_A_YEAR + min(b, RELEASES_A_YEAR - 1);
  const [oldestMajor = 0, oldestMinor = 0] = nth(QEMU_VERSIONS, 0).split('.').map(Number);
  const wanted = order(major, minor) + (micro >= DEVELOPMENT ? 1 : 0) - order(oldestMajor, oldestMinor);
  return nth(QEMU_VERSIONS, max(0, min(wanted, QEMU_VERSIONS.length - 1)));
}
