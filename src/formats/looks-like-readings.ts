/** How readings of a dirty rate (readings.ts) are recognised. */

export const DOMSTATS = /\bdirtyrate\.calc_period=\d/;
export const JSON_READING = /["'](dirty-rate|period)["']\s*:/;
const HEADER = /(^|[,;"\s])period("|\s|[,;]|$)/i;

function headerOf(start: string): string {
  return start.split('\n').find((line) => line.trim() !== '' && !line.startsWith('#')) ?? '';
}

/** Whether a text is meant as readings rather than as a log of a migration. */
export function looksLikeReadings(text: string): boolean {
  const start = text.trimStart();
  if (/^\[\s*\[/.test(start) || JSON_READING.test(text) || DOMSTATS.test(text)) return true;
  return !/^[[{]/.test(start) && HEADER.test(headerOf(start)) && /[,;]/.test(headerOf(start));
}
