import { Text } from '@mantine/core';
import { useFormat } from '../i18n/language.tsx';

/** A time as its distance from now; the exact one is its title. @param ms 0: none. */
export function Time({ ms }: { readonly ms: number }) {
  const format = useFormat();
  if (ms === 0) return <>–</>;
  return (
    <Text span size="sm" component="time" dateTime={new Date(ms).toISOString()} title={format.dateTime(ms)}>
      {format.relative(ms)}
    </Text>
  );
}
