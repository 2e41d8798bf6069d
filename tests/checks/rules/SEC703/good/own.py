def exec(query):
    return query


exec(query)
