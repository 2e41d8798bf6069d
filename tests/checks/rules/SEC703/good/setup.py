exec(open(version_file).read())
