import { language, loadTexts, translator } from '../texts';
import { texts as english, type ShopTextKey } from '../texts/shop-en';

/** The texts of the shop's pages, which the till does not load. */
export const s = translator<ShopTextKey>(
  await loadTexts(language, english, {
    sw: () => import('../texts/shop-sw'),
    ar: () => import('../texts/shop-ar'),
  }),
);
