import { JichoError } from 'jicho';

import { t } from '../texts';

/** An error in the words of whoever is at the till: what happened and what to do. */
export function explain(error: unknown): string {
  if (!(error instanceof JichoError)) {
    return t('error.other', { message: error instanceof Error ? error.message : String(error) });
  }
  const { code, message } = error;
  switch (code) {
    case 'SCHEMA_TOO_NEW':
    case 'RUNTIME_TOO_OLD':
      return t('error.tooNew');
    case 'INVALID_MANIFEST':
    case 'INVALID_MODEL':
    case 'HASH_MISMATCH':
    case 'SIZE_MISMATCH':
    case 'GOLDEN_MISMATCH':
      return t('error.damaged', { code });
    case 'BAD_SIGNATURE':
      return t('error.signature');
    case 'UNAUTHORIZED':
      return t('error.login');
    case 'HTTP_STATUS':
    case 'NETWORK':
      return t('error.host', { code });
    case 'INVALID_FRAME':
      return t('error.picture', { message });
    case 'RECOGNITION_GONE':
      return t('error.gone');
    default:
      return t('error.known', { message, code });
  }
}
