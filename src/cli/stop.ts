import { exitCode } from './exit-code.ts';

/** Why a command ends before its work is done. */
export type StopReason = 'interrupt' | 'closed';

export type Stop = {
  signal: AbortSignal;
  reason(): StopReason | undefined;
  stop(reason: StopReason): void;
  release(): void;
};

/** A launcher and the terminal may both deliver one Ctrl+C; what comes this soon after the first is the same key press. */
const samePressMillis = 150;

/**
 * Ends a command in good order: the first Ctrl+C or SIGTERM aborts `signal` (so that queries are cancelled on the server), the second exits at
 * once with 130. Closed output (`| head`) aborts too. `release` gives the signals back.
 */
export function createStop(): Stop {
  const controller = new AbortController();
  let reason: StopReason | undefined;
  let pressedAt = 0;
  const stop = (why: StopReason): void => {
    reason ??= why;
    controller.abort();
  };
  const onSignal = (): void => {
    const now = Date.now();
    if (pressedAt === 0) {
      pressedAt = now;
      stop('interrupt');
    } else if (now - pressedAt > samePressMillis) {
      process.exit(exitCode.interrupted);
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    reason: () => reason,
    stop,
    release: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
