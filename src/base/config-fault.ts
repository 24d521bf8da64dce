import type { z } from 'zod';
import { nearest } from './nearest.ts';

type Issue = z.core.$ZodIssue;

const kinds: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
};

const listed = (values: readonly unknown[]): string => values.map(String).join(', ');

/** What was found, in quotes; nothing of a secret. */
function found(value: unknown, path: readonly PropertyKey[]): string {
  if (value === undefined) return 'nothing is given';
  if (/^(?:token|password)$/.test(String(path.at(-1)))) return 'this';
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a map' : JSON.stringify(value);
}

/** A fault of a value in words: what is there and what to write instead. */
export function issueText(issue: Issue, value: unknown): string {
  const is = found(value, issue.path);
  switch (issue.code) {
    case 'invalid_type':
      return `${is}${value === undefined ? '' : ' is wrong here'}; write ${kinds[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return `${is} is too ${issue.origin === 'string' ? 'short' : 'small'}; write at least ${String(issue.minimum)}${issue.origin === 'string' ? ' characters' : ''}`;
    case 'too_big':
      return `${is} is too ${issue.origin === 'number' || issue.origin === 'int' ? 'large' : 'long'}; write at most ${String(issue.maximum)}${issue.origin === 'array' ? ' entries' : ''}`;
    case 'invalid_value':
      return `${is} is unknown${guess(value, issue.values)}; write one of ${listed(issue.values)}`;
    case 'invalid_union': {
      // A pipeline step, told by its name; else a value of several types, of which the last says best what is meant.
      const options = 'options' in issue && Array.isArray(issue.options) ? (issue.options as unknown[]) : undefined;
      if (options)
        return `${is}${value === undefined ? '' : ` is unknown${guess(value, options)}`}; write one of ${listed(options)}`;
      const last = issue.errors.at(-1)?.[0];
      return last ? issueText({ ...last, path: issue.path }, value) : `${is}: ${issue.message}`;
    }
    default:
      return issue.message.startsWith('"') ? issue.message : `${is}: ${issue.message}`;
  }
}

function guess(value: unknown, known: readonly unknown[]): string {
  const near = typeof value === 'string' ? nearest(value, known.map(String)) : undefined;
  return near === undefined ? '' : ` (did you mean ${near}?)`;
}
