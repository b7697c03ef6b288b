"""Bulk: import of files into the gateway and export out of it, as jobs that survive being killed.

``reading`` turns a file into rows, ``columns`` a row's texts into values, ``members`` … ``purchases`` values into
what is written; ``importing`` runs it, batch by batch, each with its checkpoint. ``exporting`` is the way out.
"""
