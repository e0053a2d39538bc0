from qtgen.cli import main

main()
