/** Checked expectations for CI systems, in the XML that JUnit made common. Readers want times, which are 0: the same run, the same bytes. */
import { valueAt } from '../../lists.js';
import type { CheckReport, CheckedExpectation } from '../../experiment/check.js';
import { commandLine, missText } from '../terminal/check-text.js';

/** One suite a file, one case an expectation. Ends with a line break. */
export function junitXml(reports: readonly CheckReport[]): string {
  const all = reports.flatMap((report) => report.expectations);
  const suites = reports.flatMap(suite);
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    tag('testsuites', { name: 'migsim check', ...counts(all) }, '>'),
    ...suites.map((line) => `  ${line}`),
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
}

function suite(report: CheckReport): string[] {
  const { file, scenario, memory, runs, seed, expectations } = report;
  const properties = Object.entries({ memory, runs, seed }).map(
    ([name, value]) => `    ${tag('property', { name, value: String(value) }, '/>')}`,
  );
  return [
    tag('testsuite', { name: scenario, file, ...counts(expectations) }, '>'),
    '  <properties>',
    ...properties,
    '  </properties>',
    ...expectations.flatMap((expectation) => testCase(expectation, report)).map((line) => `  ${line}`),
    '</testsuite>',
  ];
}

function testCase(expectation: CheckedExpectation, { file, scenario }: CheckReport): string[] {
  const { subject, expected, ok, place, repeat } = expectation;
  const line = place?.line === undefined ? {} : { line: String(place.line) };
  const attributes = { classname: scenario, name: `${subject} ${expected}`, time: '0', file, ...line };
  if (ok) return [tag('testcase', attributes, '/>')];
  const message = missText(expectation);
  return [
    tag('testcase', attributes, '>'),
    `  ${tag('failure', { type: 'expectation', message }, '>')}${escaped(commandLine(repeat))}</failure>`,
    '</testcase>',
  ];
}

function counts(expectations: readonly CheckedExpectation[]): Record<string, string> {
  const failures = expectations.filter(({ ok }) => !ok).length;
  return {
    tests: String(expectations.length),
    failures: String(failures),
    errors: '0',
    skipped: '0',
    time: '0',
  };
}

function tag(name: string, attributes: Readonly<Record<string, string>>, end: '>' | '/>'): string {
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  return `<${name}${pairs.join('')}${end}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** XML knows no control characters, not even escaped ones; a space stands for each. */
function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => valueAt(ENTITIES, sign)).replace(/[\u0000-\u001f]/g, ' ');
}
