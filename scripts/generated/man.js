/** The man page, made from the table of commands. */
import { readFileSync } from 'node:fs';
import { globalOptions, loaded, positionalsOf } from '../../dist/cli/command.js';
import { EXIT } from '../../dist/cli/exit.js';
import { commands as entries } from '../../dist/cli/main.js';

const PACKAGE = new URL('../../package.json', import.meta.url);

export async function files() {
  return { 'man/migsim.1': page(await Promise.all(entries.map(loaded))) };
}

/** The whole page, in the man macros of roff (man 7 groff_man). */
function page(commands) {
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8'));
  return [
    '.\\" Made by npm run generate from the commands in src/cli/commands.',
    `.TH MIGSIM 1 "" "migsim ${version}" "User Commands"`,
    '.SH NAME',
    'migsim \\- a wind tunnel for QEMU/KVM live migration',
    '.SH SYNOPSIS',
    ...commands.flatMap((command) => ['.br', usage(command)]),
    '.SH DESCRIPTION',
    'Runs the migration of a virtual machine in milliseconds instead of minutes, by',
    "QEMU's own rules, so that convergence strategies can be compared, tuned and",
    'regression-tested before a real guest pays for the experiment.',
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    '.SH OPTIONS OF EVERY COMMAND',
    ...optionLines(globalOptions),
    '.TP',
    '.B \\-\\-help',
    'Show help.',
    '.TP',
    '.B \\-\\-version',
    'Show version number.',
    '.SH COMPLETION',
    '.B migsim completion',
    'prints a script for bash or zsh. It completes commands, options, names of',
    'strategies, policies, presets and baselines, and files:',
    '.PP',
    '.EX',
    'source <(migsim completion)',
    '.EE',
    '.SH EXIT STATUS',
    ...[
      [EXIT.done, 'Done.'],
      [EXIT.expectation, 'A stated requirement did not hold: see check and baseline.'],
      [EXIT.usage, 'Wrong usage, or a scenario with a mistake; stderr says where and what.'],
      [EXIT.defect, 'A defect of migsim or of a strategy of your own.'],
    ].flatMap(([status, meaning]) => ['.TP', `.B ${status}`, text(meaning)]),
    '.SH ENVIRONMENT',
    '.TP',
    '.B NO_COLOR',
    'When set and not empty, the output has no colours.',
    '.TP',
    '.B FORCE_COLOR',
    'When set, the output has colours in files and pipes as well; 0 for none.',
    '.TP',
    '.B CI',
    'When set, no progress is shown.',
    '',
  ].join('\n');
}

function commandLines(command) {
  const positionals = positionalsOf(command).flatMap(({ name, describe }) => [
    '.TP',
    `.I ${text(name)}`,
    sentence(describe),
  ]);
  const examples = command.examples.flatMap(([line, what]) => [
    '.TP',
    `\\fBmigsim ${text(line)}\\fR`,
    sentence(what[0].toUpperCase() + what.slice(1)),
  ]);
  return [
    `.SS ${text(command.name)}`,
    usage(command),
    '.PP',
    sentence(command.summary),
    ...positionals,
    ...optionLines(command.options),
    '.PP',
    'Examples:',
    ...examples,
  ];
}

function usage(command) {
  const [name, ...words] = command.usage.split(' ');
  const options = Object.keys(command.options).length > 0 ? ' [\\fIoptions\\fR]' : '';
  const args = words.map((word) => ` ${text(word).replace(/[\w-]+/, (found) => `\\fI${found}\\fR`)}`);
  return `\\fBmigsim ${text(name)}\\fR${args.join('')}${options}`;
}

function optionLines(options) {
  return Object.entries(options).flatMap(([name, { summary, value, default: fallback }]) => {
    const argument = value === undefined ? '' : ` \\fI${text(value)}\\fR`;
    const unless = fallback === undefined ? '' : ` (default: ${text(String(fallback))})`;
    return ['.TP', `\\fB\\-\\-${text(name)}\\fR${argument}`, `${text(summary)}${unless}.`];
  });
}

function sentence(words) {
  const plain = text(words);
  return /[.?!]$/.test(plain) ? plain : `${plain}.`;
}

/** Backslashes, hyphens and a dot or quote at the start of a line mean something to roff. */
function text(words) {
  const plain = words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('…', '...');
  return /^[.]/.test(plain) ? `\\&${plain}` : plain;
}
