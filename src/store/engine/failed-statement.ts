import type { Session } from 'chdb';

/**
 * To be called when a statement of a session failed. The engine keeps what such a statement had written of its answer and puts it before the answer of the session's
 * next one; until then the statement also stays in the process list, with its hold on tables. So the next one is ours. False when even that failed: the session is of no more use.
 */
export async function forgetFailed(session: Session): Promise<boolean> {
  try {
    await session.queryAsync('SELECT 1');
    return true;
  } catch {
    return false;
  }
}
