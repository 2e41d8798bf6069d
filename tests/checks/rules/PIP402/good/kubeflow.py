from kfp import dsl


@dsl.pipeline(name="train")
def train():
    load = load_op().set_retry(num_retries=2)
    fit_op(load.output)
