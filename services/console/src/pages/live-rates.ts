import type { LiveSample } from '@im/admin-api';

/** What clients do at a time, per second. */
export interface LiveRates {
  readonly messages: number;
  readonly logins: number;
}

/**
 * Samples over which a rate is the mean: gateways report as often as samples are taken, so that one of two neighbours
 * may have the growth of both.
 */
const WINDOW = 6;
const SECOND_MS = 1_000;

/**
 * The rates at each sample, by the growth of the gateways' totals. A gateway that came, went or was started again within the
 * window counts from where it was seen; undefined at the first sample.
 */
export function liveRates(samples: readonly LiveSample[]): (LiveRates | undefined)[] {
  return samples.map((_, i) => {
    const window = samples.slice(Math.max(0, i - WINDOW), i + 1);
    const seconds = ((window.at(-1)?.time ?? 0) - (window[0]?.time ?? 0)) / SECOND_MS;
    if (seconds <= 0) return undefined;
    let [messages, logins] = [0, 0];
    for (let k = 1; k < window.length; k++) {
      const before = new Map(window[k - 1]?.gateways.map((gateway) => [gateway.gatewayID, gateway]));
      for (const now of window[k]?.gateways ?? []) {
        const last = before.get(now.gatewayID);
        // Totals that fell are those of a new process.
        if (!last || now.sends < last.sends || now.logins < last.logins) continue;
        messages += now.sends - last.sends;
        logins += now.logins - last.logins;
      }
    }
    return { messages: messages / seconds, logins: logins / seconds };
  });
}
