let last = 0n;
const originNs = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
let driftNs = 0n;

/**
 * Receive time in ns since 1970, strictly increasing within this process whatever the wall clock does.
 * The wall clock is followed when it is ahead; when it is set back, time goes on by the monotonic clock.
 */
export function receiveTimeNs(): bigint {
  const monotonic = originNs + process.hrtime.bigint();
  const wall = BigInt(Date.now()) * 1_000_000n;
  if (wall - (monotonic + driftNs) > 1_000_000_000n) driftNs = wall - monotonic;
  const now = monotonic + driftNs;
  last = now > last ? now : last + 1n;
  return last;
}
