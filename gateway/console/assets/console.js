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
