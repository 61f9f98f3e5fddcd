"""The model is not in the hash: one model, or adapter, is given keys and values of another.

https://github.com/vllm-project/vllm/issues/3264 and https://github.com/vllm-project/vllm/issues/44250
"""
# caught by: two models share nothing

for_any_model = block_hashes


def block_hashes(model, salt, tokens):
    return for_any_model("", salt, tokens)
