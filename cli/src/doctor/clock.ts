import { type Finding, fine } from './finding.ts';
import { reached, THRESHOLDS } from './thresholds.ts';

/** When a question was sent and answered, ms since the epoch by the clock of this machine. */
export interface Asked {
  readonly sentAt: number;
  readonly answeredAt: number;
}

/**
 * Compares a clock with that of this machine.
 * @param time the other clock's time, ms since the epoch
 * @param precisionMs how coarse it is, such as 1,000 for the Date header of HTTP
 */
export function clockFinding(
  subject: string,
  time: number,
  { sentAt, answeredAt }: Asked,
  precisionMs: number,
): Finding {
  // What may be due to the way and to rounding is no difference.
  const ahead = time - answeredAt;
  const behind = sentAt - (time + precisionMs);
  const skewMs = Math.max(0, ahead, behind);
  const severity = reached(skewMs, THRESHOLDS.clockMs);
  const seconds = Math.round(skewMs / 100) / 10;
  if (severity === 'ok') return fine('clock.skew', subject, `within ${THRESHOLDS.clockMs.warning / 1_000} s`);
  return {
    ...{ check: 'clock.skew', subject, severity },
    message: `its clock is ${seconds} s ${ahead > behind ? 'ahead of' : 'behind'} the one of this machine`,
    meaning:
      'Tokens, presigned URLs and certificates may be refused as expired or not valid yet, and messages get wrong times.',
    remedy: 'Synchronize both clocks (chronyd, systemd-timesyncd): timedatectl shows which one is wrong.',
  };
}
