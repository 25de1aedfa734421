// How well is a real migration predicted from what was known before it began? One recording, ten predictions.
import { readRecordings, validateRecordings } from 'migsim';

const file = 'recordings/T05.json';
const [{ environment, guest, strategy }] = readRecordings([file]);
console.log(
  `${guest.memoryMiB} MiB guest, ${guest.vcpus.length} vCPU, ${strategy}, on QEMU ${environment.qemu}`,
);

const { recordings } = validateRecordings([file], { runs: 10 });
const [{ measured, predicted, totalTimeError }] = recordings;
console.log(`ended: ${measured.status}, predicted: ${predicted.status}`);
for (const name of ['totalTimeMs', 'downtimeMs', 'dirtySyncCount', 'maxThrottlePercent']) {
  const { median, p5, p95 } = predicted.figures[name];
  console.log(`${name}: ${measured[name]}, predicted: ${median} (${p5} to ${p95})`);
}
console.log(`The total time is ${(100 * totalTimeError).toFixed(1)} % off.`);
