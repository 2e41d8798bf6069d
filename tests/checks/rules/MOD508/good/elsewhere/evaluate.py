import dvclive
