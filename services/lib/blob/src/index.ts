export {
  type Blob,
  type BlobConfig,
  type BlobDeps,
  type BlobInfo,
  type BlobPart,
  createBlob,
  type Leftovers,
  type Served,
  TEMP_PREFIX,
  type UploadForm,
} from './blob.ts';
export { bucketName } from './buckets.ts';
export { type BlobProbe, probeBlob } from './probe-blob.ts';
