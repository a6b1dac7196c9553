import { ERROR_CLASSES } from './error-codes.js';

export { ERROR_CODES, JichoError, type JichoErrorCode } from './error-codes.js';

export const {
  InvalidArgumentError,
  InvalidChannelError,
  InvalidManifestError,
  SchemaTooNewError,
  RuntimeTooOldError,
  InvalidModelError,
  HashMismatchError,
  SizeMismatchError,
  BadSignatureError,
  GoldenMismatchError,
  NoModelError,
  InvalidFrameError,
  UnsupportedError,
  StorageError,
  WrongKeyError,
  KeyMissingError,
  WeakPassphraseError,
  VaultDamagedError,
  VaultClosedError,
  RecordDamagedError,
  QueueFullError,
  InvalidExportError,
  NotTeachableError,
  LessonLimitError,
  InvalidLessonError,
  RecognitionGoneError,
  NetworkError,
  HttpStatusError,
  UnauthorizedError,
  AbortedError,
  InternalError,
  ClockError,
  DisposedError,
  BusyError,
} = ERROR_CLASSES;

export type InvalidArgumentError = InstanceType<typeof InvalidArgumentError>;
export type InvalidChannelError = InstanceType<typeof InvalidChannelError>;
export type InvalidManifestError = InstanceType<typeof InvalidManifestError>;
export type SchemaTooNewError = InstanceType<typeof SchemaTooNewError>;
export type RuntimeTooOldError = InstanceType<typeof RuntimeTooOldError>;
export type InvalidModelError = InstanceType<typeof InvalidModelError>;
export type HashMismatchError = InstanceType<typeof HashMismatchError>;
export type SizeMismatchError = InstanceType<typeof SizeMismatchError>;
export type BadSignatureError = InstanceType<typeof BadSignatureError>;
export type GoldenMismatchError = InstanceType<typeof GoldenMismatchError>;
export type NoModelError = InstanceType<typeof NoModelError>;
export type InvalidFrameError = InstanceType<typeof InvalidFrameError>;
export type UnsupportedError = InstanceType<typeof UnsupportedError>;
export type StorageError = InstanceType<typeof StorageError>;
export type WrongKeyError = InstanceType<typeof WrongKeyError>;
export type KeyMissingError = InstanceType<typeof KeyMissingError>;
export type WeakPassphraseError = InstanceType<typeof WeakPassphraseError>;
export type VaultDamagedError = InstanceType<typeof VaultDamagedError>;
export type VaultClosedError = InstanceType<typeof VaultClosedError>;
export type RecordDamagedError = InstanceType<typeof RecordDamagedError>;
export type QueueFullError = InstanceType<typeof QueueFullError>;
export type InvalidExportError = InstanceType<typeof InvalidExportError>;
export type NotTeachableError = InstanceType<typeof NotTeachableError>;
export type LessonLimitError = InstanceType<typeof LessonLimitError>;
export type InvalidLessonError = InstanceType<typeof InvalidLessonError>;
export type RecognitionGoneError = InstanceType<typeof RecognitionGoneError>;
export type NetworkError = InstanceType<typeof NetworkError>;
export type HttpStatusError = InstanceType<typeof HttpStatusError>;
export type UnauthorizedError = InstanceType<typeof UnauthorizedError>;
export type AbortedError = InstanceType<typeof AbortedError>;
export type InternalError = InstanceType<typeof InternalError>;
export type ClockError = InstanceType<typeof ClockError>;
export type DisposedError = InstanceType<typeof DisposedError>;
export type BusyError = InstanceType<typeof BusyError>;
