import type { ContainerSecurityContext, PodSecurityContext } from '@im/kube';
import { RUN_AS } from './names.ts';

/**
 * What every pod of the operator says of itself, so that a namespace may enforce the Restricted pod security
 * standard. Volumes belong to the group {@link RUN_AS}; their files are walked through only when the root of the
 * volume is somebody else's, because that takes minutes on a full one.
 */
export function podSecurity(): PodSecurityContext {
  return {
    runAsNonRoot: true,
    runAsUser: RUN_AS,
    runAsGroup: RUN_AS,
    fsGroup: RUN_AS,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

/** What every container says of itself. Whatever it writes, it writes to a volume. */
export function containerSecurity(): ContainerSecurityContext {
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  };
}
