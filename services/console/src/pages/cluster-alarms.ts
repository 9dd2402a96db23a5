import type { ClusterAlarm } from '@im/admin-api';
import type { Alarm } from '../components/alarms.tsx';
import { useFormat, useTexts } from '../i18n/language.tsx';

/** Alarms of the cluster in the language of the page; of kinds that it does not know, as the server says them. */
export function useClusterAlarms(alarms: readonly ClusterAlarm[]): Alarm[] {
  const { cluster } = useTexts();
  const format = useFormat();
  return alarms.map(({ kind, severity, subject, value, message, remedy }) => {
    const texts = Object.hasOwn(cluster.kinds, kind) ? cluster.kinds[kind] : undefined;
    const text = texts?.message(subject, format.number(value)) ?? message;
    return {
      key: `${kind} ${subject}`,
      severity,
      title: kind === 'roleMissing' ? text : `${subject}: ${text}`,
      remedy: texts?.remedy ?? remedy,
    };
  });
}
