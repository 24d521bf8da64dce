import { WeirError } from '../base/errors.ts';
import { log } from '../base/log.ts';

/** An error as the outside may see it: ours as they are; anything else goes to the log and is named without its text. */
export function visibleError(error: unknown, id = '-'): WeirError {
  if (error instanceof WeirError) return error;
  if (error instanceof Error && error.name === 'AbortError') return new WeirError('query_cancelled');
  // Expressions are walked by recursion; how deep that goes is up to the size of the stack.
  if (error instanceof RangeError && error.message.includes('call stack'))
    return new WeirError('bad_query', {
      reason: 'the query is nested deeper than it can be compiled; use fewer operators or nest less',
    });
  log.error({ err: error, query: id }, 'query failed');
  return new WeirError('query_failed', { code: 'internal', id }, { cause: error });
}

/** What the engine threw, made visible; its own words go to the log. */
export function engineError(error: unknown): WeirError {
  if (error instanceof WeirError && error.code === 'query_failed') log.error({ err: error.cause }, error.message);
  return visibleError(error);
}
