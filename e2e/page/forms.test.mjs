// What people edit: an editor adds, edits, mutes, maintains, probes and deletes a target, and everybody else sees no form.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withBrowser, violations, picture, desktop, phone, page, mistakesInFocus } from './browser.mjs';

const alice = 'Bearer alice-0123456789abcdef0123456789abcdef';
const bob = 'Bearer bob-0123456789abcdef0123456789abcdef00';

// enter opens a tab of somebody at a path.
async function enter(browser, path, { who = alice, viewport = desktop, scheme = 'light', script = true } = {}) {
  const tab = await browser.newPage();
  tab.complaints = [];
  tab.on('console', (m) => { if (['error', 'warn'].includes(m.type())) tab.complaints.push(m.text()); });
  await tab.setViewport(viewport);
  await tab.setJavaScriptEnabled(script);
  await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await tab.setExtraHTTPHeaders({ Authorization: who, 'Accept-Language': 'en' });
  await tab.goto(page(path), { waitUntil: 'load' });
  return tab;
}

const text = (tab, selector) => tab.evaluate((s) => document.querySelector(s)?.textContent.replace(/\s+/g, ' ').trim() ?? '', selector);
// sent does what sends a form, in front: a tab behind another one gets no clicks.
async function sent(tab, send) {
  await tab.bringToFront();
  await Promise.all([tab.waitForNavigation({ waitUntil: 'load' }), send()]);
}
const fill = (tab, selector, value) => tab.evaluate((s, v) => { document.querySelector(s).value = v; }, selector, value);

async function sound(tab) {
  const { passes, broken } = await violations(tab);
  assert.deepEqual(broken, []);
  assert.ok(passes > 15, `axe looked at ${passes} rules only`);
  assert.equal(await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, 'it scrolls sideways');
  assert.deepEqual(tab.complaints.filter((c) => !c.includes('status of 4')), []);
}

const healthy = () => page('-/healthy');

test('a target from beginning to end', async (t) => {
  await withBrowser(async (browser) => {
    const tab = await enter(browser, 'add');
    await t.test('a wrong URL is told beside the field, and the summary has the focus', async () => {
      await tab.type('#f-url', 'ftp://shop.example/');
      await tab.type('#f-name', 'form-shop');
      await sent(tab, () => tab.click('.go'));
      assert.match(await text(tab, '#w-url'), /scheme "ftp"/);
      await mistakesInFocus(tab);
      assert.equal(await tab.$eval('#f-url', (e) => e.value), 'ftp://shop.example/');
      await sound(tab);
      await picture(tab, 'form-errors', true);
    });
    await t.test('the answer to a right one is the first probe', async () => {
      await fill(tab, '#f-url', healthy());
      await sent(tab, () => tab.click('.go'));
      assert.match(tab.url(), /targets\/form-shop\?done=added$/);
      assert.match(await text(tab, '.now'), /up/);
      assert.match(await text(tab, '[role=status].done'), /Added/);
      await sound(tab);
      await picture(tab, 'form-added', true);
    });
    await t.test('edit, and who is late sees what the other one did', async () => {
      const late = await enter(browser, 'targets/form-shop/edit');
      await tab.goto(page('targets/form-shop/edit'));
      await fill(tab, '#f-interval', '30s');
      await sent(tab, () => tab.click('.go'));
      assert.match(tab.url(), /done=changed$/);
      await fill(late, '#f-interval', '1m');
      await sent(late, () => late.click('.go'));
      assert.match(await text(late, '#conflict'), /alice changed this/);
      assert.match(await text(late, 'section.wrong tbody'), /30s/);
      await sound(late);
      await picture(late, 'form-conflict', true);
      await sent(late, () => late.click('.go'));
      assert.match(late.url(), /done=changed$/);
      await late.close();
    });
    await t.test('mute, maintenance and their ends', async () => {
      await tab.goto(page('targets/form-shop'));
      for (const [kind, done, ended] of [['mute', 'muted', 'unmuted'], ['maintenance', 'maintained', 'ended']]) {
        await tab.evaluate((k) => { document.querySelector(`#${k}-duration`).closest('details').open = true; }, kind);
        await tab.type(`#${kind}-reason`, 'a disk');
        await sound(tab);
        await sent(tab, () => tab.click(`form[action$="/${kind}"] button`));
        assert.match(tab.url(), new RegExp(`done=${done}$`));
        assert.match(await text(tab, 'main'), /alice/);
        await sent(tab, () => tab.click(`form[action$="${kind === 'mute' ? 'unmute' : 'end-maintenance'}"] button`));
        assert.match(tab.url(), new RegExp(`done=${ended}$`));
      }
    });
    await t.test('delete needs a word', async () => {
      await tab.goto(page('targets/form-shop/edit'));
      await tab.click('.delete summary');
      await tab.click('.delete [name=confirm]');
      await sent(tab, () => tab.click('.no'));
      assert.match(tab.url(), /\/\?done=deleted$/);
      assert.match(await text(tab, '[role=status].done'), /deleted/);
    });
  });
});

test('with the keyboard alone', async () => {
  await withBrowser(async (browser) => {
    const tab = await enter(browser, 'add');
    const to = async (name) => {
      for (let i = 0; i < 60; i++) {
        await tab.keyboard.press('Tab');
        if (await tab.evaluate((n) => document.activeElement.name === n, name)) return;
      }
      assert.fail(`no Tab leads to ${name}`);
    };
    await to('url');
    await tab.keyboard.type(healthy());
    await to('name');
    await tab.keyboard.type('form-keys');
    await sent(tab, () => tab.keyboard.press('Enter'));
    assert.match(tab.url(), /targets\/form-keys\?done=added$/);
  });
});

test('in every look, and without the script', async (t) => {
  await withBrowser(async (browser) => {
    for (const [look, options] of Object.entries({ light: {}, dark: { scheme: 'dark' }, phone: { viewport: phone }, 'no script': { script: false } })) {
      await t.test(look, async () => {
        for (const path of ['add', 'targets/form-keys/edit', 'targets/form-keys']) {
          const tab = await enter(browser, path, options);
          if (options.script !== false) await sound(tab);
          await tab.close();
        }
        const tab = await enter(browser, 'add', options);
        await tab.type('#f-url', 'ftp://x/');
        await sent(tab, () => tab.click('.go'));
        if (options.script !== false) await sound(tab);
        else assert.equal(await tab.$eval('#f-url', (e) => e.value), 'ftp://x/');
        await tab.close();
      });
    }
  });
});

test('a reader sees no form', async () => {
  await withBrowser(async (browser) => {
    const tab = await enter(browser, 'targets/shop-cart', { who: bob });
    assert.equal(await tab.$('form[method=post]'), null);
    assert.match(await text(tab, '.user'), /bob \(read\)/);
    await tab.goto(page('add'));
    assert.match(await text(tab, 'main'), /bob has role read/);
    assert.equal(await tab.$('form[method=post]'), null);
    await sound(tab);
  });
});
