import { fieldPresent, fieldText, removeField, setField } from './field.ts';
import type { Changes } from './field.ts';
import type { Step } from './step.ts';

/** Move a field's text to another field, in records that have it. Two steps: a map may be source and target. */
export function rename(from: string, to: string): Step[] {
  const set: Changes = setField(to, `toString(${fieldText(from)})`, fieldPresent(from));
  return from === to ? [] : [{ changes: set }, { changes: removeField(from) }];
}
