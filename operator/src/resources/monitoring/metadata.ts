import { metadataOf, type Owner } from '../names.ts';

/** Metadata of an object for monitoring, with the labels by which people have it found; those of the operator win. */
export function metadataWith(owner: Owner, name: string, labels: Readonly<Record<string, string>>) {
  const metadata = metadataOf(owner, name);
  return { ...metadata, labels: { ...labels, ...metadata.labels } };
}
