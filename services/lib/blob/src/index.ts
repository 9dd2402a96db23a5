export {
  type Blob,
  type BlobConfig,
  type BlobDeps,
  type BlobInfo,
  type BlobPart,
  bucketName,
  createBlob,
  type DownloadOptions,
  type UploadForm,
} from './blob.ts';
