#!/usr/bin/env node
import { statSync } from 'node:fs';

/** When it was written; 0: it is not there. */
function timeOf(file) {
  return statSync(new URL(file, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

// The bundle is the same program in few files. A compiler that has run since leaves it behind.
const bundled = timeOf('../dist/bundle/main.js') > timeOf('../dist/.tsbuildinfo');
const { main } = await import(bundled ? '../dist/bundle/main.js' : '../dist/cli/main.js');

process.exitCode = await main(process.argv.slice(2));
