// The picture of the documents: as wide as GitHub shows it, and sharp on a fine display.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withBrowser, open, control, picture } from './browser.mjs';

test('picture', async () => {
  await withBrowser(async (browser) => {
    await control('/probe');
    const size = { width: 1100, height: 800, deviceScaleFactor: 2 };
    const tab = await open(browser, '', { viewport: size });
    size.height = await tab.evaluate(() => Math.ceil(document.querySelector('main').getBoundingClientRect().bottom) + 16); // without the footer
    await tab.setViewport(size);
    await picture(tab, 'picture');
    assert.deepEqual(tab.complaints, []);
  });
});
