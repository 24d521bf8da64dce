import { quoteString } from '../../language/sql-writer.ts';
import { removeField, setField } from './field.ts';
import type { Step } from './step.ts';

/** Set a field to a constant. */
export const set = (field: string, value: string, condition: string): Step => ({
  changes: setField(field, quoteString(value), condition),
});

/** Remove a field. */
export const remove = (field: string): Step => ({ changes: removeField(field) });
