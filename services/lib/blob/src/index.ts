export {
  type Blob,
  type BlobConfig,
  type BlobDeps,
  type BlobInfo,
  type BlobPart,
  bucketName,
  createBlob,
  type DownloadOptions,
  type Leftovers,
  TEMP_PREFIX,
  type UploadForm,
} from './blob.ts';
