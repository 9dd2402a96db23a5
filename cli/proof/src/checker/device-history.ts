import type { DeviceDown, DeviceUp, OwnRule } from './facts.ts';

/** When a device was promised messages. */
export interface DeviceHistory {
  readonly user: string;
  readonly own: OwnRule;
  /** In order of time; `down` is infinite while the device is up. */
  readonly spans: { up: number; down: number }[];
}

/** The devices of a run by name. */
export type Devices = Map<string, DeviceHistory>;

/** Takes one fact of a device; those of one device in order of time. */
export function noteDevice(devices: Devices, fact: DeviceUp | DeviceDown): void {
  if (fact.kind === 'up') {
    const known = devices.get(fact.device);
    const history = known ?? { user: fact.user, own: fact.own, spans: [] };
    const last = history.spans.at(-1);
    if (!last || last.down !== Number.POSITIVE_INFINITY) {
      history.spans.push({ up: fact.at, down: Number.POSITIVE_INFINITY });
    }
    devices.set(fact.device, history);
    return;
  }
  const last = devices.get(fact.device)?.spans.at(-1);
  if (last && last.down > fact.at) last.down = fact.at;
}

/** True when the device was up at `from` and stayed so until `to`. */
export function upDuring(device: DeviceHistory, from: number, to: number): boolean {
  return device.spans.some((span) => span.up <= from && span.down >= to);
}
