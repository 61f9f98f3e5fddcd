// Checks histories with Porcupine: JSON on stdin, one verdict a history on stdout.
package main

import (
	"encoding/json"
	"os"

	"github.com/anishathalye/porcupine"
)

// Operation is one operation on the one key. Value -1 means that there is none.
type Operation struct {
	Kind     string
	Value    int
	Expected int
	Known    bool
	Told     int
	Call     int64
	Return   int64
}

// step says whether an operation may have its result in a state, and what the state is then.
func step(state, input, _ interface{}) (bool, interface{}) {
	value, op := state.(int), input.(Operation)
	switch op.Kind {
	case "read":
		return !op.Known || op.Told == value, value
	case "write":
		return true, op.Value
	case "delete":
		return true, -1
	}
	matches := value == op.Expected
	right := !op.Known || (op.Told == 1) == matches
	if matches {
		return right, op.Value
	}
	return right, value
}

func main() {
	var histories [][]Operation
	if err := json.NewDecoder(os.Stdin).Decode(&histories); err != nil {
		panic(err)
	}
	model := porcupine.Model{Init: func() interface{} { return -1 }, Step: step}
	verdicts := make([]bool, 0, len(histories))
	for _, history := range histories {
		var operations []porcupine.Operation
		for client, op := range history {
			operations = append(operations, porcupine.Operation{
				ClientId: client, Input: op, Call: op.Call, Output: nil, Return: op.Return,
			})
		}
		verdicts = append(verdicts, porcupine.CheckOperations(model, operations))
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		panic(err)
	}
}
