import { functionNames } from '../language/metric-parser.ts';
import { quote } from '../language/go-string.ts';
import { escapeRegex } from '../language/sql-writer.ts';

/** A function of LogQL with its bracket or grouping ahead: the text is meant as a metric expression. */
const metricStart = new RegExp(`^(${functionNames.join('|')})\\s*(\\(|(by|without)\\b)`, 'i');

/**
 * What people type into the search box -> LogQL (the rules stand in contract.ts). Words are found in any case and anywhere in the line.
 * LogQL stays as it is, so that positions in parse errors are those of the typed text.
 */
export function logqlOf(text: string): string {
  const typed = text.trim();
  if (typed === '') return '{}';
  if (/^[{(]/.test(typed) || metricStart.test(typed)) return text;
  if (/^(\||!=|!~|!>)/.test(typed)) return `{} ${typed}`;
  const words = [...typed.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(m => m[1]?.replace(/\\(.)/g, '$1') ?? m[2] ?? '');
  const filters = words.filter(word => word !== '').map(word => `|~ ${quote(`(?i)${escapeRegex(word)}`)}`);
  return ['{}', ...filters].join(' ');
}
