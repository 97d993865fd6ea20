// What helps on a page that can be read without it: figures that stay up to date, lists that are filtered while one types.
"use strict";

// <div data-live="address" data-every="seconds">: replaced by what the address answers, while somebody looks.
for (const part of document.querySelectorAll("[data-live]")) {
  const every = Number(part.dataset.every) * 1000;
  const look = async () => {
    if (document.hidden || part.contains(document.activeElement)) {
      return;
    }
    try {
      const answer = await fetch(part.dataset.live, { headers: { accept: "text/html" }, redirect: "error" });
      if (answer.ok) {
        part.innerHTML = await answer.text();
      }
      part.classList.toggle("late", !answer.ok);
    } catch {
      part.classList.add("late");
    }
  };
  const again = async () => {
    await look();
    setTimeout(again, every);
  };
  setTimeout(again, every);
}

// <p data-reload="seconds">: what is not there yet is asked for again.
for (const part of document.querySelectorAll("[data-reload]")) {
  setTimeout(() => location.reload(), Number(part.dataset.reload) * 1000);
}

// <input data-filter="id of a table">: hides the rows that do not have what is typed.
for (const input of document.querySelectorAll("input[data-filter]")) {
  const rows = document.getElementById(input.dataset.filter).tBodies[0].rows;
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    for (const row of rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
    }
  });
  input.hidden = false;
}

// <input data-search="id of a part of the page">: the part is that of the page which its form would lead to.
for (const input of document.querySelectorAll("input[data-search]")) {
  const part = document.getElementById(input.dataset.search);
  let asked = 0;
  input.addEventListener("input", async () => {
    const turn = ++asked;
    // While one types on nobody wants the answer.
    await new Promise((typed) => setTimeout(typed, 150));
    if (turn !== asked) {
      return;
    }
    const address = `${input.form.action}?${new URLSearchParams(new FormData(input.form))}`;
    try {
      const answer = await fetch(address, { headers: { accept: "text/html" }, redirect: "error" });
      const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
      if (turn === asked && answer.ok && found) {
        part.replaceChildren(...found.childNodes);
      }
      part.classList.toggle("late", !answer.ok);
    } catch {
      part.classList.add("late");
    }
  });
}
