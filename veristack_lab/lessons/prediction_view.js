// The input of one prediction: sends `answer`, and shows what was recorded.

function makeNumber(root, id, state, submit) {
  const label = element("label", "veristack-question", root);
  label.htmlFor = `${id}-input`;
  label.textContent = state.text;
  const bar = element("div", "veristack-bar", root);
  const input = keepKeys(element("input", "", bar));
  input.type = "text";
  input.inputMode = "decimal";
  input.autocomplete = "off";
  input.id = `${id}-input`;
  input.setAttribute("aria-describedby", `${id}-tolerance`);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") submit(input.value);
  });
  if (state.unit) element("span", "", bar).textContent = state.unit;
  const record = makeButton(bar, `${id}-record`, "Record my prediction", () => submit(input.value));
  return (answer) => {
    input.readOnly = answer !== null;
    if (answer !== null && input.value !== String(answer)) input.value = String(answer);
    setEnabled(record, answer === null);
  };
}

function makeChoices(root, id, state, submit) {
  const set = element("fieldset", "", root);
  element("legend", "", set).textContent = state.text;
  const options = element("div", "veristack-options", set);
  const inputs = state.choices.map((choice, number) => {
    const label = element("label", "", options);
    const input = keepKeys(element("input", "", label));
    input.type = "radio";
    input.name = id;
    input.id = `${id}-choice-${number}`;
    input.value = choice;
    element("span", "", label).textContent = choice;
    return input;
  });
  const bar = element("div", "veristack-bar", set);
  const record = makeButton(bar, `${id}-record`, "Record my prediction", () => {
    const chosen = inputs.find((input) => input.checked);
    submit(chosen ? chosen.value : "");
  });
  return (answer) => {
    for (const input of inputs) {
      if (answer !== null) input.checked = input.value === answer;
      input.disabled = answer !== null;
    }
    setEnabled(record, answer === null);
  };
}

function render({ model, el }) {
  const first = model.get("state");
  const id = `veristack-${first.name}`;
  const root = element("div", "veristack-view veristack-predict", el);
  root.id = id;
  let send = () => {};
  const submit = (answer) => send("answer", answer);
  const make = first.choices.length ? makeChoices : makeNumber;
  const draw = make(root, id, first, submit);
  const said = element("p", "veristack-small", root);
  said.id = `${id}-tolerance`;
  const note = element("p", "veristack-note", root);
  note.id = `${id}-note`;
  note.setAttribute("role", "status");
  note.setAttribute("aria-live", "polite");
  const connection = connect(model, note, (state) => {
    draw(state.answer);
    const counts = state.tolerance ? `Right counts ${state.tolerance}.` : "";
    setText(said, state.words ? `${state.words} It is recorded. ${counts}` : counts);
    setFlag(root, "data-answered", state.answer !== null);
  });
  send = connection.send;
  connection.redraw();
  return connection.disconnect;
}

export default { render };
