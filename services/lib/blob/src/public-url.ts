/** Stands for the bucket in `s3.publicBaseURL`. */
const BUCKET = '{bucket}';

/** URL of a public object, without a signature. */
export function publicURL(base: string, bucket: string, key: string): string {
  const path = key.split('/').map(encodeURIComponent).join('/');
  return `${base.replace(BUCKET, bucket).replace(/\/+$/, '')}/${path}`;
}
