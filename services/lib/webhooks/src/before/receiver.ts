import type { AddressRules } from '../http/address-rules.ts';
import { Breaker } from '../http/breaker.ts';
import { HttpClient } from '../http/http-client.ts';
import type { Resolve } from '../http/resolve.ts';
import { CommandURLs } from '../request.ts';
import { CallSlots } from './call-slots.ts';

/** Bounds of the questions of one tenant in one process. */
const BOUNDS = { running: 64, waiting: 512, bytes: 16_777_216 };

/** The receiver of one tenant's before-events, as this process knows it. */
export class Receiver {
  /** The base URL that it was made for. */
  readonly url: string;
  readonly urls: CommandURLs;
  readonly client: HttpClient;
  readonly breaker = new Breaker();
  readonly slots = new CallSlots(BOUNDS);

  constructor(url: string, rules: AddressRules, resolve: Resolve) {
    this.url = url;
    this.urls = new CommandURLs(url);
    this.client = new HttpClient({ rules, resolve, connections: BOUNDS.running });
  }
}
