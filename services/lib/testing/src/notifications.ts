import type { TenantId } from '@im/contract';
import { ERR, ImError, make, type msg } from '@im/protocol';
import type { DomainService } from '@im/rpc';

/** A notification that the domain sent. */
export interface SentNotification {
  readonly tenant: TenantId;
  readonly request: msg.SendNotificationReq;
  /** The tips, parsed. */
  readonly tips: Record<string, unknown>;
}

/** Records notifications in place of the message domain. */
export interface NotificationRecorder {
  readonly methods: Pick<DomainService<'msg'>, 'sendNotification'>;
  /** Notifications since the last call, in the order of sending. */
  take(): SentNotification[];
  /** From now on refuses notifications as when the log is unavailable, or takes them again. */
  refuse(on: boolean): void;
}

/** A recorder that takes notifications. */
export function notificationRecorder(): NotificationRecorder {
  let sent: SentNotification[] = [];
  let refusing = false;
  return {
    methods: {
      async sendNotification({ tenant }, request) {
        if (refusing) throw new ImError(ERR.NetworkError, 'the log is unavailable');
        sent.push({ tenant, request, tips: JSON.parse(request.detail) });
        return make('msg.SendNotificationResp');
      },
    },
    take() {
      const taken = sent;
      sent = [];
      return taken;
    },
    refuse(on) {
      refusing = on;
    },
  };
}

/** Content type, sender, receiver: what a test compares first. */
export function route({ request }: SentNotification): string {
  return `${request.contentType} ${request.sendID}>${request.recvID}`;
}
